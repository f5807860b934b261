"""The CSS of the HTML report."""

from typing import Final

__all__ = ["STYLE"]

STYLE: Final = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --text: #16191f; --soft: #5b6472; --line: #e1e5ea;
  --items: #2f6fed; --bytes: #0f9d8a; --share: #8a5cf0; --good: #14804a; --bad: #c2321f; }
@media (prefers-color-scheme: dark) { :root { --ground: #101318; --card: #191d24; --text: #e8ebf0; --soft: #9aa4b2;
  --line: #2b313b; --items: #6d9cff; --bytes: #38c9b4; --share: #b394ff; --good: #4cc38a; --bad: #ff8573; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0 0 .75rem; } p { margin: 0; }
header p, .none, figcaption, caption { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.6rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.tiles div, section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; }
.tiles dt { color: var(--soft); } .tiles dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums; }
.tiles small { font-size: .8rem; color: var(--soft); display: block; }
.tiles .good dd { color: var(--good); } .tiles .bad dd { color: var(--bad); }
section { margin-top: 1rem; overflow-x: auto; }
figure { margin: 0 0 1rem; } figure:last-child { margin-bottom: 0; }
svg { width: 100%; height: auto; min-width: 30rem; } svg text { fill: var(--soft); font-size: 11px; }
svg line { stroke: var(--line); } .items rect { fill: var(--items); } .bytes rect { fill: var(--bytes); }
.share rect { fill: var(--share); }
table { width: 100%; border-collapse: collapse; } caption { text-align: left; padding-bottom: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-top: 1px solid var(--line); }
thead th { border-top: 0; font-weight: 600; } tbody th { font-weight: 400; overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td { overflow-wrap: anywhere; } ul { margin: .3rem 0 0; padding-left: 1.1rem; color: var(--soft); }
@media print { body { background: none; } section, .tiles div { break-inside: avoid; } }
"""
