// A task's desktop: noVNC in a frame. Its address contains the task's secret: fetched when shown, and in no page.
import { post, refused } from "./page.js";

const desk = document.getElementById("desk");
const control = document.getElementById("control");
const said = document.getElementById("desk-said");
const screen = document.getElementById("desk-screen");

let asked = 0;
async function show(isControlled) {
  const mine = ++asked;
  try {
    const { url } = await post("desktop", { task: desk.dataset.task, control: isControlled });
    if (mine !== asked) return; // a later click has replaced this request
    const frame = document.createElement("iframe"); // a new one, since noVNC reads its settings once
    frame.title = "Desktop";
    frame.sandbox = "allow-scripts allow-same-origin"; // the task's content must not navigate elsewhere
    frame.allow = "fullscreen";
    frame.src = url;
    screen.replaceChildren(frame);
    control.setAttribute("aria-checked", String(isControlled));
    said.textContent = isControlled ? "Keyboard and mouse are yours" : "View only";
    if (isControlled) frame.addEventListener("load", () => frame.focus());
    const { port } = new URL(url);
    if (location.port !== desk.dataset.port) {
      const hint = document.getElementById("desk-hint");
      hint.hidden = false;
      hint.textContent = `This page comes by another port. If the screen stays empty, forward the desktop's own, too: ssh -L ${port}:127.0.0.1:${port}`;
    }
  } catch (error) {
    refused(error);
  }
}

control.addEventListener("click", () => show(control.getAttribute("aria-checked") !== "true"));
show(false);
