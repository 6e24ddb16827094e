"""How the pages look: system fonts, hairlines, one ink and one warning colour, light or dark as the reader has it."""

from typing import Final

CSS: Final = """
:root{color-scheme:light dark;--ink:#1a1d1f;--quiet:#6b7378;--hair:#dfe3e5;--paper:#fdfdfc;--band:#f5f6f5;
--mark:#0d6e5f;--worry:#a4480a;--mono:ui-monospace,"SF Mono",Menlo,Consolas,monospace}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8e8;--quiet:#929a9e;--hair:#2f3537;--paper:#15181a;--band:#1c2022;
--mark:#5cc4ae;--worry:#f0a361}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI","PingFang SC",
"Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC",sans-serif;font-variant-numeric:tabular-nums}
a{color:inherit;text-decoration-color:var(--hair);text-underline-offset:3px}a:hover{text-decoration-color:currentColor}
header{display:flex;justify-content:space-between;padding:14px 28px;border-bottom:1px solid var(--hair)}
header a{text-decoration:none;color:var(--quiet)}header b{color:var(--ink);letter-spacing:.08em}
nav a{margin-left:20px}
main{max-width:1040px;margin:0 auto;padding:36px 28px 96px}
h1{font-size:22px;font-weight:600;margin:0 0 20px}h1.id{font-size:32px;font-weight:500;letter-spacing:.01em;margin:0}
h2{font-size:13px;font-weight:600;color:var(--quiet);margin:44px 0 0;padding-bottom:8px}
.big{font-size:18px;margin:2px 0 28px}.quiet{color:var(--quiet)}.worry>time,.worry p,p.worry{color:var(--worry)}
.status{color:var(--mark);font-weight:600;white-space:nowrap}
.status sup{color:var(--quiet);font-weight:400;font-size:.68em;margin-left:3px}
.status[data-code="8"],.status[data-code="9"],.status[data-code="10"],.status[data-code="11"]{color:var(--worry)}
.path{list-style:none;display:flex;margin:0 0 28px;padding:0}
.path li{flex:1;border-top:3px solid var(--hair);padding:9px 8px 0 0;color:var(--quiet);font-size:13px}
.path li.on{border-color:var(--mark);color:var(--ink)}
.path b{display:block;font-weight:600}.path time{color:var(--quiet)}
.path li.off b{font-weight:400}
.summary{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:14px 28px;margin:0 0 28px}
.summary dt{font-size:12px;color:var(--quiet)}.summary dd{margin:0;overflow-wrap:anywhere}
table{width:100%;border-collapse:collapse}th{font-size:12px;font-weight:400;color:var(--quiet);text-align:left}
th,td{padding:8px 14px 8px 0;border-bottom:1px solid var(--hair);vertical-align:top}
.num{white-space:nowrap}
.facts{list-style:none;margin:0;padding:0;border-top:1px solid var(--hair)}
.day{background:var(--band);border-bottom:1px solid var(--hair);padding:5px 12px;font-size:12px;color:var(--quiet)}
.fact{display:grid;grid-template-columns:76px 1fr auto;gap:0 16px;padding:10px 12px;border-bottom:1px solid var(--hair)}
.fact time{color:var(--quiet);white-space:nowrap}.fact p{margin:0}.fact>div{min-width:0}
.subject{font:12px/1 var(--mono);color:var(--quiet);border:1px solid var(--hair);border-radius:3px;padding:1px 5px;
margin-right:4px}
summary{cursor:pointer;font-size:12px;color:var(--quiet);list-style:none}summary::-webkit-details-marker{display:none}
summary::before{content:"+";display:inline-block;width:1em}details[open] summary::before{content:"–"}
summary span,summary code{margin-right:14px}summary:hover{color:var(--ink)}
code,pre,.place{font:12px/1.5 var(--mono)}
dl.grid,details dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;margin:10px 0;font-size:13px}
dl.grid dt,details dt{color:var(--quiet)}dl.grid dd,details dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--band);border:1px solid var(--hair);padding:12px;margin:4px 0 8px;overflow:auto;max-height:420px;
white-space:pre-wrap;overflow-wrap:anywhere}
.lone{max-width:420px;margin:14vh auto}label{display:block;font-size:13px;color:var(--quiet)}
input[type=password]{display:block;width:100%;margin:6px 0 14px;padding:9px;font:inherit;color:inherit;
background:var(--paper);border:1px solid var(--quiet);border-radius:3px}
button{font:inherit;padding:7px 20px;border:0;border-radius:3px;background:var(--mark);color:var(--paper)}
.op{border-top:1px solid var(--hair);padding:16px 0}
.op h3{font:600 14px/1.5 var(--mono);margin:0;overflow-wrap:anywhere}
.op h3 b{color:var(--mark);margin-right:10px}.op p{margin:4px 0 10px;max-width:76ch}
@media(max-width:700px){.path{flex-wrap:wrap}.path li{flex:0 0 25%}.fact{grid-template-columns:66px 1fr}
main{padding:24px 16px 64px}}
@media print{header,summary::before{display:none}main{padding:0;max-width:none}}
"""
