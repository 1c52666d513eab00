// Pictures of screens: the next is fetched once the last has arrived; a still screen is fetched less and less often.

const waits = new WeakMap();
async function picture(image) {
  const before = waits.get(image) ?? { tag: "", wait: 0, due: 0 };
  if (Date.now() < before.due) return;
  try {
    const answer = await fetch(image.dataset.shot, { headers: before.tag ? { "X-Have": before.tag } : {} });
    const tag = answer.headers.get("X-Picture") ?? "";
    const same = answer.status === 204;
    if (answer.ok && !same) {
      const url = URL.createObjectURL(await answer.blob());
      image.onload = () => URL.revokeObjectURL(url);
      image.src = url;
    }
    const wait = !answer.ok ? 10000 : same ? Math.min(30000, before.wait * 1.6 + 1000) : 3000;
    waits.set(image, { tag, wait, due: Date.now() + wait });
  } catch {
    waits.set(image, { ...before, due: Date.now() + 10000 });
  }
}
let isTaking = false;
async function pictures() {
  if (isTaking || document.hidden) return;
  isTaking = true;
  for (const image of document.querySelectorAll("[data-shot]")) {
    const { top, bottom } = image.getBoundingClientRect();
    if (bottom > 0 && top < innerHeight) await picture(image);
  }
  isTaking = false;
}
setInterval(pictures, 1000);
document.addEventListener("patched", pictures);
