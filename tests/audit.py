"""Looks up the pinned dependencies for known vulnerabilities, with pip-audit; says so and is content where it cannot.

Run as a program: ``python -m tests.audit``, with the URL of an OSV service if it shall be asked and not PyPI's own
database. Exit status: 0 none is known, or nobody could be asked; 1 there are some.
"""

import json
import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).parent.parent / "deploy" / "constraints.txt"
PATIENCE = 120  # seconds


def audit(osv_url: str | None = None, constraints: Path = CONSTRAINTS) -> tuple[int, str]:
    """Return the exit status and what to say.

    Args:
        osv_url: Of the OSV service to ask; None asks PyPI.
        constraints: The file of ``name==version`` lines.
    """
    command = ["-m", "pip_audit", "--requirement", str(constraints), "--no-deps", "--disable-pip", "--format", "json"]
    if osv_url is not None:
        command += ["--vulnerability-service", "osv", "--osv-url", osv_url]
    try:
        done = subprocess.run(
            [sys.executable, *command, "--progress-spinner", "off"],
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return 0, f"the dependencies could not be audited: nothing came within {PATIENCE} s"
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return 0, f"the dependencies could not be audited: {last}"
    bad = {each["name"]: [vuln["id"] for vuln in each["vulns"]] for each in found if each.get("vulns")}
    if bad:
        return 1, "\n".join(f"{name}: {', '.join(numbers)}" for name, numbers in sorted(bad.items()))
    unknown = sum("skip_reason" in each for each in found)
    return 0, f"{len(found) - unknown} dependencies audited, none vulnerable; {unknown} could not be looked up"


if __name__ == "__main__":
    status, text = audit(sys.argv[1] if len(sys.argv) > 1 else None)
    print(text)
    sys.exit(status)
