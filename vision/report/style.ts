import { viridisGradient } from './viridis.ts';

/** The page's one style sheet: light and dark by the reader's preference, one column on a phone, calm on paper. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1c2128; --soft: #59636e; --line: #d9dee4; --accent: #2f6fae;
  --right: #14756c; --wrong: #b23c17;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1116; --card: #171b22; --ink: #e4e8ee; --soft: #9ba6b3; --line: #2b323c; --accent: #79b2ea;
    --right: #4cc2b5; --wrong: #f08a66;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: break-word;
}
header, main, footer { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 36px; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.015em; }
h2 { font-size: 1.4rem; margin: 52px 0 6px; padding-top: 18px; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 30px 0 10px; }
p { margin: 6px 0; max-width: 72ch; }
a { color: var(--accent); }
.soft, figcaption, caption { color: var(--soft); }
nav { margin-top: 14px; display: flex; flex-wrap: wrap; gap: 4px 20px; }
.facts { display: flex; flex-wrap: wrap; gap: 2px 28px; margin: 10px 0 0; }
.facts div { display: flex; gap: 8px; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 200px), 1fr)); gap: 16px; margin: 26px 0 0; padding: 0; list-style: none; }
.numbers li, figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.numbers li { padding: 14px 18px; }
.numbers strong { display: block; font-size: 2rem; line-height: 1.25; font-variant-numeric: tabular-nums; letter-spacing: -0.02em; }
.numbers small { color: var(--soft); display: block; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; margin: 16px 0; align-items: stretch; }
.grid.three { grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); }
.grid > div { min-width: 0; }
figure { margin: 0; padding: 16px; min-width: 0; display: flex; flex-direction: column; gap: 10px; }
figure.block { margin: 16px 0; }
figure.wide { grid-column: 1 / -1; }
figure > svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figure > img { display: block; max-width: 100%; height: auto; margin: 0 auto; border-radius: 4px; background: #000; }
figcaption { font-size: 0.9rem; }
figcaption .id { display: block; }
figcaption strong { color: var(--ink); }
/* What goes on beyond an edge casts a shadow there, until one has scrolled to it, as on the site's pages. */
.scroll {
  overflow-x: auto; margin: 14px 0; --ground: var(--page); --shade: color-mix(in srgb, var(--ink) 30%, transparent);
  background:
    linear-gradient(to right, var(--ground) 50%, transparent) left / 2rem calc(100% + 4px) local,
    linear-gradient(to left, var(--ground) 50%, transparent) right / 2rem calc(100% + 4px) local,
    linear-gradient(to right, var(--shade), transparent) left / 0.6rem 100% scroll,
    linear-gradient(to left, var(--shade), transparent) right / 0.6rem 100% scroll,
    var(--ground);
  background-repeat: no-repeat;
}
figure .scroll { --ground: var(--card); }
.tables { display: flex; flex-wrap: wrap; gap: 0 44px; align-items: flex-start; }
.tables > .scroll { max-width: 100%; }
table { border-collapse: collapse; min-width: min(100%, 440px); font-variant-numeric: tabular-nums; font-size: 0.94rem; }
caption { text-align: left; font-size: 0.9rem; padding-bottom: 6px; }
caption span { display: inline-block; position: sticky; left: 0; max-width: calc(100vw - 40px); }
th, td { padding: 5px 14px 5px 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { font-weight: 600; color: var(--soft); }
tbody th { font-weight: 500; }
tr.marked th, tr.marked td { font-weight: 700; }
.plain td, .plain th { text-align: left; white-space: normal; }
.plain td { overflow-wrap: anywhere; }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)); gap: 16px; }
.cases figure, .mistakes figure { padding: 12px; gap: 8px; }
.maps { display: grid; grid-template-columns: repeat(var(--n, 4), minmax(0, 1fr)); gap: 6px; margin: 0; padding: 0; list-style: none; }
.maps img { display: block; width: 100%; height: auto; border-radius: 4px; background: #000; }
.maps span { display: block; font-size: 0.78rem; color: var(--soft); text-align: center; line-height: 1.3; padding-top: 3px; }
.cases.three { grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); }
.key { white-space: nowrap; margin-right: 8px; }
.key i { display: inline-block; width: 0.7em; height: 0.7em; border-radius: 50%; margin-right: 4px; border: 2px solid transparent; }
.answers > img { width: 100%; max-width: 224px; }
.answers table { min-width: 0; width: 100%; font-size: 0.82rem; }
.answers caption { font-size: 0.9rem; }
.answers caption span { position: static; display: inline; }
.answers th, .answers td { padding: 2px 0 2px 6px; border-bottom: none; }
.answers th:first-child { padding-left: 0; white-space: normal; }
.answers tbody tr:first-child th { text-align: left; color: var(--soft); border-top: 1px solid var(--line); padding-top: 5px; }
.answers tbody tr:not(:first-child, .marked) th { font-weight: 400; }
.pair { width: 30%; }
.pair i { display: block; height: 5px; border-radius: 2px; margin: 1px 0; min-width: 1px; }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); gap: 16px; margin: 16px 0; }
.mistakes figure > img { width: 100%; }
.right { color: var(--right); font-weight: 600; }
.wrong { color: var(--wrong); font-weight: 600; }
.shares { display: flex; height: 8px; border-radius: 4px; overflow: hidden; margin: 6px 0 4px; background: var(--line); }
.shares i { display: block; height: 100%; }
.scale { display: inline-block; width: 110px; height: 0.75em; border-radius: 3px; vertical-align: -0.05em; margin: 0 4px;
  background: ${viridisGradient()}; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
footer { color: var(--soft); font-size: 0.9rem; padding-top: 40px; padding-bottom: 40px; }
@media (max-width: 520px) {
  header, main, footer { padding-left: 12px; padding-right: 12px; }
  h1 { font-size: 1.6rem; }
  .numbers { grid-template-columns: 1fr 1fr; gap: 10px; }
  .numbers li { padding: 10px 12px; }
  .numbers strong { font-size: 1.6rem; }
  figure { padding: 12px; }
  table { min-width: 0; font-size: 0.86rem; }
  th, td { padding-right: 9px; }
  caption span { max-width: calc(100vw - 24px); }
  .maps { grid-template-columns: 1fr 1fr; }
  .mistakes { grid-template-columns: 1fr 1fr; gap: 10px; }
}
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --accent: #000; --right: #0b5f57; --wrong: #9a2f0e; }
  body { font-size: 11pt; }
  header, main, footer { max-width: none; padding: 0; }
  nav { display: none; }
  h2, h3 { break-after: avoid; }
  figure, tr, .numbers li { break-inside: avoid; }
  .scroll { overflow: visible; background: none; }
  table { font-size: 0.8rem; min-width: 0; }
  th, td { padding-right: 8px; white-space: normal; }
  caption span { max-width: 100%; }
  .numbers { grid-template-columns: repeat(4, 1fr); }
  .grid, .cases { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .grid.three, .mistakes { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .cases.three { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .shares, .shares i, .key i, .pair i { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
