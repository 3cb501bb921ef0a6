/**
 * The one style sheet of our pages: system fonts, two colour schemes, no resource from anywhere.
 *
 * @module
 */
import { raw } from './html.ts'

export const PAGE_STYLE = raw`
:root{color-scheme:light dark;--ground:#f3f4f1;--card:#fff;--ink:#1d2521;--soft:#57635c;--line:#dfe3dd;--fill:#f0f3ee;
--accent:#1f6b4f;--on-accent:#fff;--tone:var(--accent);--good:#1f6b4f;--warn:#8a5a00;--bad:#a8321f}
@media (prefers-color-scheme:dark){:root{--ground:#121613;--card:#1b211d;--ink:#e8ece9;--soft:#a4b0a8;--line:#313a34;
--fill:#232b26;--accent:#7fd1ac;--on-accent:#0d1a14;--good:#7fd1ac;--warn:#e9b95a;--bad:#f2937f}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;padding:clamp(1rem,6vh,4.5rem) 1rem 2rem;
background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
.warn{--tone:var(--warn)}.bad{--tone:var(--bad)}.good{--tone:var(--good)}
main{width:100%;max-width:36rem;background:var(--card);border:1px solid var(--line);border-top:4px solid var(--tone);
border-radius:.75rem;padding:clamp(1.25rem,5vw,2.25rem);box-shadow:0 1px 2px #0000000d,0 12px 32px -18px #00000040}
main.wide{max-width:60rem}
.brand{width:100%;max-width:36rem;display:flex;align-items:center;gap:.5rem;margin:0 0 .9rem;color:var(--soft);font-weight:600;
font-size:.9rem;letter-spacing:.01em}
.brand.wide{max-width:60rem}
.brand svg{width:1.35rem;height:1.35rem;flex:none;color:var(--tone)}
h1{font-size:1.55rem;line-height:1.25;margin:0 0 .75rem;letter-spacing:-.012em;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:1rem;margin:1.75rem 0 .5rem}
p{margin:.65rem 0;overflow-wrap:anywhere}
p.soft,.soft{color:var(--soft)}
a{color:var(--accent);text-underline-offset:.2em}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:.3rem}
dl{display:grid;grid-template-columns:minmax(6.5rem,max-content) 1fr;gap:.1rem 1.25rem;margin:1rem 0;padding:0}
dt{color:var(--soft);padding:.2rem 0}
dd{margin:0;padding:.2rem 0;overflow-wrap:anywhere}
main ul{padding-inline-start:1.2rem}
main li{overflow-wrap:anywhere}
main ul.tags{list-style:none;display:flex;flex-wrap:wrap;gap:.35rem;margin:0;padding:0}
ul.tags li{max-width:100%;background:var(--fill);border:1px solid var(--line);border-radius:1rem;padding:0 .6rem;font-size:.9rem}
main ul.apps{list-style:none;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(15rem,100%),1fr));gap:.8rem;margin:1.25rem 0 0;padding:0}
ul.apps a,ul.apps .app{display:flex;gap:.8rem;height:100%;border:1px solid var(--line);border-radius:.6rem;padding:.85rem 1rem;
background:var(--fill);color:inherit;text-decoration:none}
ul.apps a:hover{border-color:var(--accent)}
ul.apps strong{display:block;overflow-wrap:anywhere}
ul.apps a strong{color:var(--accent)}
ul.apps .words{min-width:0}
ul.apps .words span{display:block;color:var(--soft);font-size:.88rem;overflow-wrap:anywhere}
ul.apps .icon{position:relative;flex:none;width:2.5rem;height:2.5rem;display:grid;place-items:center;border-radius:.5rem;
overflow:hidden;background:var(--card);border:1px solid var(--line);color:var(--soft);font-weight:600}
ul.apps .icon img{position:absolute;inset:0;width:100%;height:100%;object-fit:contain;background:var(--card)}
.search{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:1rem 0}
.search label{flex:1 1 100%;color:var(--soft)}
.search input{flex:1 1 12rem;min-width:0;font:inherit;color:var(--ink);background:var(--ground);border:1px solid var(--soft);
border-radius:.5rem;padding:.5rem .75rem}
main ul.choices{list-style:none;display:grid;gap:.65rem;margin:1.25rem 0 0;padding:0}
ul.choices .button{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;width:100%;overflow-wrap:anywhere}
ul.choices span{font-weight:400;font-size:.84rem;white-space:nowrap}
code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--fill);border-radius:.25rem;padding:.1em .3em;
overflow-wrap:anywhere}
main ul.rules{list-style:none;margin:.5rem 0;padding:0;font-size:.9rem}
ul.rules li{display:flex;flex-wrap:wrap;gap:0 .75rem;padding:.5rem 0;border-block-end:1px solid var(--line)}
ul.rules .does{flex:1 1 100%}
details{margin:1rem 0 0;border-top:1px solid var(--line);padding-top:.75rem}
summary{cursor:pointer;color:var(--soft)}
details.more{margin:.5rem 0 0;border:0;padding:0}details.more ul{margin-block-start:.5rem}
.actions{display:flex;flex-wrap:wrap;gap:.65rem;margin:1.5rem 0 0;align-items:center}
.actions form{margin:0}
.button{display:inline-block;font:inherit;font-weight:600;cursor:pointer;text-decoration:none;border-radius:.5rem;
padding:.5rem 1.05rem;border:1px solid var(--line);background:var(--card);color:var(--ink)}
.button:hover{border-color:var(--accent)}
.button.main{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.button.main:hover{filter:brightness(1.08)}
footer{width:100%;max-width:36rem;margin-top:1rem;color:var(--soft);font-size:.84rem;overflow-wrap:anywhere}
footer.wide{max-width:60rem}
@media (max-width:26rem){dl{grid-template-columns:1fr}dd{padding-bottom:.5rem}dt{padding-bottom:0}.button{width:100%;text-align:center}
.actions,.actions form{width:100%}}
@media (forced-colors:active){main,.button,ul.apps a{border-color:CanvasText}}
@media print{body{background:#fff}main{box-shadow:none}.actions{display:none}}
`
