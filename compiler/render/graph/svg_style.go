package graph

// svgStyle is the picture's style. Colours are those of Okabe and Ito's palette for all kinds of sight, darkened or
// lightened to a contrast of 4.5 with the ground.
// Class names begin with mlp-, as the picture may stand in a page whose styles are not ours. In print no ground is
// painted.
const svgStyle = `
.mlp-graph{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;max-width:100%;height:auto}
.mlp-ground{fill:#fff}
.mlp-band{fill:#f6f8fa}.mlp-band.mlp-odd{fill:#eef2f6}
.mlp-phase{font-size:12px;font-weight:600;letter-spacing:.04em;fill:#57606a}
.mlp-edge{fill:none;stroke:#a3adb8;stroke-width:1.3}
.mlp-edge.mlp-order{stroke-dasharray:5 4}
.mlp-edge.mlp-hot{stroke:#57606a;stroke-width:1.8}
.mlp-edge.mlp-head{fill:#a3adb8;stroke:none}.mlp-edge.mlp-head.mlp-hot{fill:#57606a}
.mlp-box{fill:#fff;stroke:#8c959f;stroke-width:1.2;stroke-linejoin:round}
.mlp-label{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12px;font-weight:600;fill:#1f2328}
.mlp-caption,.mlp-note{font-size:11px;fill:#57606a}
.mlp-note{font-style:italic}
.mlp-sign{fill:#57606a;stroke:none}
.mlp-line{fill:none;stroke:#fff;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.mlp-full{fill:#fff}
.mlp-ring{fill:none;stroke:#1f2328;stroke-width:2;stroke-dasharray:2 3}
.mlp-cached .mlp-sign{fill:#8c959f}.mlp-cached .mlp-label{fill:#57606a;font-weight:400}
.mlp-cached .mlp-box{stroke:#c2cad2}
.mlp-run .mlp-sign{fill:#0969a8}.mlp-run .mlp-box{fill:#e6f2fb;stroke:#0969a8;stroke-width:2.4}
.mlp-release .mlp-sign{fill:#8a3b84}.mlp-release .mlp-box{fill:#f8ebf6;stroke:#8a3b84;stroke-width:2.4}
.mlp-may .mlp-sign,.mlp-open .mlp-sign{fill:#946200}.mlp-may .mlp-box,.mlp-open .mlp-box{fill:#fff7e0;stroke:#946200;stroke-width:2;stroke-dasharray:6 4}
.mlp-metadata .mlp-sign{fill:#57606a}.mlp-metadata .mlp-box{stroke:#57606a;stroke-dasharray:1.5 3}
.mlp-pass .mlp-sign{fill:#00785a}.mlp-pass .mlp-box{fill:#e5f6f0;stroke:#00785a;stroke-width:2}
.mlp-fail .mlp-sign,.mlp-error .mlp-sign,.mlp-blocked .mlp-sign,.mlp-remove .mlp-sign{fill:#b23c00}
.mlp-fail .mlp-box,.mlp-error .mlp-box{fill:#fdeee6;stroke:#b23c00;stroke-width:3}
.mlp-blocked .mlp-box{fill:#fdeee6;stroke:#b23c00;stroke-width:2;stroke-dasharray:10 3}
.mlp-remove .mlp-box{fill:#fff;stroke:#b23c00;stroke-width:1.6;stroke-dasharray:2 3}
.mlp-remove .mlp-label{text-decoration:line-through}
@media (prefers-color-scheme:dark){
.mlp-ground{fill:#0d1117}
.mlp-band{fill:#151b23}.mlp-band.mlp-odd{fill:#1b222c}
.mlp-phase,.mlp-caption,.mlp-note{fill:#9ea7b3}
.mlp-edge{stroke:#57606a}.mlp-edge.mlp-hot{stroke:#b4bcc6}
.mlp-edge.mlp-head{fill:#57606a;stroke:none}.mlp-edge.mlp-head.mlp-hot{fill:#b4bcc6}
.mlp-box{fill:#0d1117;stroke:#6e7781}.mlp-label{fill:#f0f3f6}
.mlp-sign{fill:#9ea7b3}.mlp-line{stroke:#0d1117}.mlp-full{fill:#0d1117}
.mlp-ring{stroke:#f0f3f6}
.mlp-cached .mlp-sign{fill:#6e7781}.mlp-cached .mlp-label{fill:#b4bcc6}.mlp-cached .mlp-box{stroke:#3d444d}
.mlp-run .mlp-sign{fill:#56b4e9}.mlp-run .mlp-box{fill:#0f2537;stroke:#56b4e9}
.mlp-release .mlp-sign{fill:#dd9bd0}.mlp-release .mlp-box{fill:#2c1a2a;stroke:#dd9bd0}
.mlp-may .mlp-sign,.mlp-open .mlp-sign{fill:#e6b23c}.mlp-may .mlp-box,.mlp-open .mlp-box{fill:#2a2212;stroke:#e6b23c}
.mlp-metadata .mlp-sign{fill:#9ea7b3}.mlp-metadata .mlp-box{stroke:#9ea7b3}
.mlp-pass .mlp-sign{fill:#3fc79a}.mlp-pass .mlp-box{fill:#0e2a21;stroke:#3fc79a}
.mlp-fail .mlp-sign,.mlp-error .mlp-sign,.mlp-blocked .mlp-sign,.mlp-remove .mlp-sign{fill:#ff8a50}
.mlp-fail .mlp-box,.mlp-error .mlp-box,.mlp-blocked .mlp-box{fill:#321a0f;stroke:#ff8a50}
.mlp-remove .mlp-box{fill:#0d1117;stroke:#ff8a50}
}
@media print{.mlp-ground{fill:none}}
`
