/** A payload laid out for reading: JSON and XML indented, anything else (CSV, forms) as it came. */
export function pretty(raw: string): string {
  const text = raw.trim();
  if (text.startsWith('{') || text.startsWith('[')) {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return raw;
    }
  }
  return text.startsWith('<') ? indented(text) : raw;
}

function indented(xml: string): string {
  let depth = 0;
  return xml
    .replace(/>\s*</g, '>\n<')
    .split('\n')
    .map((line) => {
      if (line.startsWith('</')) depth = Math.max(0, depth - 1);
      const told = '  '.repeat(depth) + line.trim();
      if (/^<[^!?/]/.test(line) && !line.includes('</') && !line.endsWith('/>')) depth += 1;
      return told;
    })
    .join('\n');
}
