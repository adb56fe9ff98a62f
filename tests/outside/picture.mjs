// Draws the picture of README: the proof of a violation in the diagram of a report.
// Usage: node picture.mjs CHROMIUM PAGE INVARIANT OUT.png

import { chromium } from "playwright-core";

const [executablePath, file, invariant, out] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage({ viewport: { width: 1180, height: 1000 }, colorScheme: "light" });
  await page.goto(`file://${file}`);
  await page.waitForFunction(() => document.documentElement.dataset.complete);
  const story = page.locator("article", { has: page.getByRole("heading", { name: invariant }) });
  await page.locator("article details[open] summary").first().click();
  await story.locator("summary").click();
  await page.getByLabel("by order of events").check();
  await page.evaluate((name) => { // The other violations of the run would only stand in between.
    for (const article of document.querySelectorAll("article")) article.hidden = !article.textContent.includes(`✗ ${name}`);
  }, invariant);
  await story.getByRole("button", { name: "show the proof in the diagram" }).click();
  await page.evaluate(() => window.paxsim.view.hidden.add("routine"));
  await page.evaluate(() => window.paxsim.diagram.draw());
  await page.waitForTimeout(200);
  const top = await story.boundingBox();
  const bottom = await page.locator("canvas.diagram").boundingBox();
  const scrolled = await page.evaluate(() => scrollY);
  await page.screenshot({ path: out, fullPage: true,
    clip: { x: 0, y: top.y + scrolled - 10, width: 1180, height: bottom.y + bottom.height - top.y + 20 } });
} finally {
  await browser.close();
}
