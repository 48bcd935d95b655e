/**
 * A small writer of SVG, enough for our charts. They stand in a README, so they carry their own style,
 * read in light and in dark, and have no script.
 */

export type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, content: string = ''): string {
  const written = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escaped(valueText(value))}"`)
    .join('');
  return content === '' ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`;
}

export function text(content: string, attributes: Attributes): string {
  return element('text', attributes, escaped(content));
}

/** Series are told apart by color and, for those who see none, by their dashes and their labels. */
export const seriesCount = 6;

const style = `
.paper{fill:#ffffff}.ink{fill:#1f2328}.pale{fill:#656d76}.rule{stroke:#d0d7de;stroke-width:1}
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif}.title{font-weight:600;font-size:14px}
.line{fill:none;stroke-width:2}
.s0{stroke:#0969da}.s1{stroke:#bc4c00}.s2{stroke:#1a7f37}.s3{stroke:#8250df}.s4{stroke:#bf3989}.s5{stroke:#57606a}
.f0{fill:#0969da}.f1{fill:#bc4c00}.f2{fill:#1a7f37}.f3{fill:#8250df}.f4{fill:#bf3989}.f5{fill:#57606a}
.s1,.s4{stroke-dasharray:6 3}.s2,.s5{stroke-dasharray:2 3}
@media (prefers-color-scheme:dark){
.paper{fill:#0d1117}.ink{fill:#e6edf3}.pale{fill:#8d96a0}.rule{stroke:#30363d}
.s0{stroke:#4493f8}.s1{stroke:#f0883e}.s2{stroke:#3fb950}.s3{stroke:#ab7df8}.s4{stroke:#db61a2}.s5{stroke:#9198a1}
.f0{fill:#4493f8}.f1{fill:#f0883e}.f2{fill:#3fb950}.f3{fill:#ab7df8}.f4{fill:#db61a2}.f5{fill:#9198a1}
}`;

/** `title` and `description` are what a screen reader says. */
export function picture(
  { width, height }: { readonly width: number; readonly height: number },
  { title, description }: { readonly title: string; readonly description: string },
  content: readonly string[],
): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    ...{ width, height, role: 'img', 'aria-labelledby': 'title description' },
  };
  const parts = [
    element('title', { id: 'title' }, escaped(title)),
    element('desc', { id: 'description' }, escaped(description)),
    element('style', {}, style),
    element('rect', { class: 'paper', width, height, rx: 6 }),
    ...content,
  ];
  return `${element('svg', attributes, `\n${parts.join('\n')}\n`)}\n`;
}

function escaped(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function valueText(value: string | number): string {
  if (typeof value === 'string') return value;
  if (!Number.isFinite(value)) throw new Error(`${value} has no place in a picture`);
  return String(Math.round(value * 100) / 100);
}
