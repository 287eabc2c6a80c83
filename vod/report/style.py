"""The page's looks; figures take their ink, grid and ground from the same variables."""

STYLE = """
:root { color-scheme: light dark;
  --ground: #ffffff; --panel: #f5f6f8; --ink: #1b1f24; --muted: #5c6570;
  --grid: #dadee3; --accent: #3f83e8; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #14171b; --panel: #1d2127; --ink: #e9ecef; --muted: #a0a9b4;
  --grid: #363c45; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 44px 0 6px; padding-top: 12px;
  border-top: 1px solid var(--grid); }
h3 { font-size: 15px; margin: 22px 0 6px; overflow-wrap: anywhere; }
p { margin: 6px 0 12px; max-width: 78ch; }
.quiet, figcaption { color: var(--muted); font-size: 13.5px; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 8px; }
.tile { background: var(--panel); border-radius: 8px; padding: 12px 16px;
  min-width: 130px; }
.tile b { display: block; font-size: 25px; line-height: 1.2; font-weight: 650;
  font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: 13px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; margin: 8px 0;
  font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px 4px 0; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--grid); }
th { color: var(--muted); font-weight: 500; vertical-align: bottom; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
td.text { white-space: normal; overflow-wrap: anywhere; }
tr.total td { font-weight: 650; border-bottom: 0; }
.bar { display: inline-block; width: 110px; height: 9px; margin-right: 8px;
  background: var(--panel); border-radius: 2px; }
.bar i { display: block; height: 100%; background: var(--accent); border-radius: 2px; }
.side { display: grid; grid-template-columns: repeat(auto-fit, minmax(330px, 1fr));
  gap: 12px 28px; align-items: start; }
figure { margin: 10px 0; }
figure svg { max-width: 100%; height: auto; display: block; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
.frames { display: grid; gap: 10px;
  grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); }
.frames figure { margin: 0; max-width: 480px; }
.frames img { width: 100%; display: block; border-radius: 4px; }
.key { display: flex; flex-wrap: wrap; gap: 6px 20px; font-size: 13.5px; }
.key i { display: inline-block; width: 13px; height: 13px; margin-right: 6px;
  border: 3px solid; outline: 1px solid var(--grid); vertical-align: -1px; }
details summary { cursor: pointer; color: var(--muted); margin: 8px 0; }
code { font-size: 13px; overflow-wrap: anywhere; }
@media print { h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }
"""
