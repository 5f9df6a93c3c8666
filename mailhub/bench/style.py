"""How the pages with charts look: one style sheet, for light and dark, wide and narrow."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfbfa; --card: #ffffff; --ink: #1c1f24; --soft: #626a76; --rule: #e3e5e8;
  --one: #2460c8; --two: #d9730d; --three: #2f8f5b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14161a; --card: #1c1f25; --ink: #e8eaed; --soft: #9aa2ae; --rule: #30353d;
    --one: #6ea2ff; --two: #ffa657; --three: #63c893;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 70rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .3rem; }
p { margin: .3rem 0 1rem; max-width: 44rem; }
.soft, .about, figcaption { color: var(--soft); }
.about { font-size: .9rem; }
.key { display: flex; gap: 1.2rem; flex-wrap: wrap; font-size: .9rem; margin: .6rem 0; }
.key i {
  display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin-right: .4rem;
  vertical-align: -1px;
}
.key .a { background: var(--one); } .key .b { background: var(--two); }
.key .c { background: var(--three); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .8rem; }
.card {
  background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 1rem;
}
.card b { display: block; font-size: 1.7rem; line-height: 1.15; font-weight: 650; }
.card span { font-size: .9rem; color: var(--soft); }
.matrix {
  background: var(--card); border: 1px solid var(--rule); border-radius: 10px; overflow: hidden;
}
.matrix .row {
  display: grid; grid-template-columns: minmax(9rem, 1.1fr) repeat(var(--columns), 1fr);
  gap: .4rem 1rem; padding: .75rem 1rem; align-items: center; border-top: 1px solid var(--rule);
}
.matrix .row:first-child { border-top: 0; }
.matrix.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); }
.matrix.two .row { margin-top: -1px; }
.matrix .head { font-size: .82rem; font-weight: 600; color: var(--soft); }
.matrix .what { font-weight: 550; font-size: .93rem; line-height: 1.3; }
.matrix .what b { color: var(--one); margin-left: .3rem; }
.note { font-weight: 400; font-size: .8rem; }
.matrix small { display: none; color: var(--soft); }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .8rem; }
figure {
  margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
  padding: .8rem .8rem .3rem;
}
figcaption { font-size: .88rem; font-weight: 550; }
svg { display: block; width: 100%; height: auto; }
svg.bars { max-width: 15rem; }
svg text { font-size: 11.5px; fill: var(--ink); font-variant-numeric: tabular-nums; }
svg .axis { fill: var(--soft); font-size: 10.5px; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
.IMAP, .first { fill: var(--one); } .POP3, .second { fill: var(--two); }
.IDLE { fill: var(--three); }
polyline { fill: none; stroke-width: 2; }
g.IMAP polyline { stroke: var(--one); } g.POP3 polyline { stroke: var(--two); }
g.IDLE polyline { stroke: var(--three); }
details { margin-top: 2rem; } summary { cursor: pointer; font-weight: 550; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child, .people th:nth-child(2) { text-align: left; }
td { white-space: nowrap; } td.text { white-space: normal; text-align: left; min-width: 16rem; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
@media (max-width: 46rem) {
  body { padding-top: 1.5rem; }
  .matrix .head { display: none; }
  .matrix.two { display: block; }
  .matrix .row { grid-template-columns: 1fr 1fr; }
  .matrix .what { grid-column: 1 / -1; }
  .matrix small { display: block; font-size: .78rem; }
  svg.bars text { font-size: 14px; }
}
@media print { body { max-width: none; } .card, figure, .matrix { break-inside: avoid; } }
"""


KEY = (
    '<div class="key"><span><i class="a"></i>IMAP</span><span><i class="b"></i>POP3</span></div>\n'
)


def page(title: str, body: str) -> str:
    """A whole document."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
