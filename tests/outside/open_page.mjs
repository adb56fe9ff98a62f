// Opens a page in headless Chromium and prints as JSON what a test asks about it.
// Usage: node open_page.mjs CHROMIUM PAGE light|dark [SCREENSHOT]

import { chromium } from "playwright-core";

const [executablePath, file, colorScheme, screenshot] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, colorScheme });
  const errors = [];
  const requests = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => /^(file|data):/.test(request.url()) || requests.push(request.url()));
  page.on("dialog", (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(`file://${file}`);
  await page.waitForFunction(() => window.paxsim && (!window.paxsim.diagram || document.documentElement.dataset.complete));
  const facts = await page.evaluate(async () => {
    const { paxsim } = window;
    const told = { firstPicture: paxsim.firstPicture, title: document.title, text: document.querySelector("main").textContent, scripts: document.scripts.length,
      images: document.images.length, wide: document.documentElement.scrollWidth - document.documentElement.clientWidth };
    if (!paxsim.diagram) return told;
    const frames = [];
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    for (let k = 0; k < 60; k += 1) {
      if (k < 20) paxsim.zoom(0.8);
      else if (k < 40) paxsim.pan(k % 2 ? 0.1 : -0.1);
      else paxsim.zoom(1.25);
      const began = performance.now();
      await frame();
      frames.push(performance.now() - began);
    }
    paxsim.showAll();
    await frame();
    return { ...told, events: paxsim.model.count, arrows: paxsim.model.arrows.count, frames: frames.sort((a, b) => a - b) };
  });
  if (facts.events) {
    await page.focus("canvas.diagram");
    await page.keyboard.press("n");
    await page.keyboard.press("p");
    facts.announced = await page.evaluate(() => document.querySelector(".live").textContent);
    facts.selected = await page.evaluate(() => window.paxsim.view.selected);
    await page.keyboard.press("ArrowRight");
    facts.next = await page.evaluate(() => window.paxsim.view.selected);
    facts.past = await page.evaluate(() => [...window.paxsim.view.past.values()].filter((i) => i >= 0).length);
    await page.keyboard.press("0");
  }
  if (screenshot) await page.screenshot({ path: screenshot });
  console.log(JSON.stringify({ errors, requests, ...facts }));
} finally {
  await browser.close();
}
