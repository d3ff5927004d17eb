/**
 * Gives an SVG of echarts what a screen reader says. Takes out what answers a mouse: its names are counted over all pictures
 * that a process has drawn, and the same picture is to be the same file.
 */
export function describeSvg(svg: string, title: string, description: string): string {
  const same = svg.replaceAll(/ class="zr\d+-[^"]*"/g, '').replaceAll(/<style[\s\S]*?<\/style>\n?/g, '');
  const end = same.indexOf('>', same.indexOf('<svg'));
  const label = ' role="img" aria-labelledby="title description"';
  const words = `<title id="title">${escaped(title)}</title>\n<desc id="description">${escaped(description)}</desc>`;
  return `${same.slice(0, end)}${label}>\n${words}${same.slice(end + 1)}\n`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
