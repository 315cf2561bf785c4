import { render } from "preact";
import { Board } from "./board";
import { loadSettings, setTheme, theme } from "./settings";
import { App } from "./ui/app";

setTheme(theme());
const board = new Board(await loadSettings());
document.title = board.settings.title;
render(<App board={board} />, document.body);
board.start();
