// Builds the page into gateway/wallboard/static, or into the folder given as the first argument. The same sources and lock
// file give the same bytes, so that a test can hold the built files against them.

import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(process.argv[2] ?? join(here, "../../gateway/wallboard/static"));

async function filesUnder(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** One number for all that the page is made of; tests/wallboard/test_build.py computes the same. */
async function fingerprint() {
  const named = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"].map((name) => join(here, name));
  const files = [...named, ...(await filesUnder(join(here, "src"))), ...(await filesUnder(join(here, "static")))];
  const paths = files.map((file) => relative(here, file).replaceAll("\\", "/")).sort();
  const sum = createHash("sha256");
  for (const path of paths) {
    sum.update(`${path}\0`).update(createHash("sha256").update(await readFile(join(here, path))).digest());
  }
  return sum.digest("hex");
}

/** The licences of everything that is bundled. mqtt is one bundle of its own dependencies, so they are all named. */
async function licences() {
  const lock = JSON.parse(await readFile(join(here, "package-lock.json"), "utf8"));
  const parts = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === "" || entry.dev || path.includes("@types/")) continue;
    const folder = join(here, path);
    const texts = (await readdir(folder)).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
    const text = texts[0] ? await readFile(join(folder, texts[0]), "utf8") : `${entry.license}\n`;
    parts.push(`${path.replace(/^.*node_modules\//, "")} ${entry.version} (${entry.license})\n\n${text.trim()}\n`);
  }
  return parts.join(`\n${"-".repeat(80)}\n\n`);
}

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: [{ in: "src/main.tsx", out: "wallboard" }, { in: "src/wallboard.css", out: "wallboard" }],
  outdir: target,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome109", "firefox115", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".woff2": "file" },
  assetNames: "fonts/[name]",
  legalComments: "none",
  logLevel: "warning",
});
await cp(join(here, "static"), target, { recursive: true });
await writeFile(join(target, "THIRD-PARTY.txt"), await licences());
await writeFile(join(target, "built-from.txt"), `${await fingerprint()}\n`);
