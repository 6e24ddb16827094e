"""How the reference looks: system fonts, hairlines, one ink, light or dark as the reader has it."""

from typing import Final

CSS: Final = """
:root{color-scheme:light dark;--ink:#1a1d1f;--quiet:#6b7378;--hair:#dfe3e5;--paper:#fdfdfc;--band:#f5f6f5;
--mark:#0d6e5f;--worry:#a4480a;--mono:ui-monospace,"SF Mono",Menlo,Consolas,monospace}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8e8;--quiet:#929a9e;--hair:#2f3537;--paper:#15181a;--band:#1c2022;
--mark:#5cc4ae}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI","PingFang SC",
"Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC",sans-serif;font-variant-numeric:tabular-nums}
a{color:inherit;text-decoration-color:var(--hair);text-underline-offset:3px}a:hover{text-decoration-color:currentColor}
header{display:flex;justify-content:space-between;padding:14px 28px;border-bottom:1px solid var(--hair)}
header a{text-decoration:none;color:var(--quiet)}header b{color:var(--ink);letter-spacing:.08em}
nav a{margin-left:20px}
main{max-width:1040px;margin:0 auto;padding:36px 28px 96px}
h1{font-size:22px;font-weight:600;margin:0 0 20px}
h2{font-size:13px;font-weight:600;color:var(--quiet);margin:44px 0 0;padding-bottom:8px}
.quiet{color:var(--quiet)}
summary{cursor:pointer;font-size:12px;color:var(--quiet);list-style:none}summary::-webkit-details-marker{display:none}
summary::before{content:"+";display:inline-block;width:1em}details[open] summary::before{content:"–"}
summary span,summary code{margin-right:14px}summary:hover{color:var(--ink)}
code,pre{font:12px/1.5 var(--mono)}
dl.grid,details dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;margin:10px 0;font-size:13px}
dl.grid dt,details dt{color:var(--quiet)}dl.grid dd,details dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--band);border:1px solid var(--hair);padding:12px;margin:4px 0 8px;overflow:auto;max-height:420px;
white-space:pre-wrap;overflow-wrap:anywhere}
.op{border-top:1px solid var(--hair);padding:16px 0}
.op h3{font:600 14px/1.5 var(--mono);margin:0;overflow-wrap:anywhere}
.op h3 b{color:var(--mark);margin-right:10px}.op p{margin:4px 0 10px;max-width:76ch}
@media(max-width:700px){main{padding:24px 16px 64px}}
@media print{header,summary::before{display:none}main{padding:0;max-width:none}}
"""
