/**
 * Gives an SVG of echarts what a screen reader says. Takes out what is for a page that goes on drawing: it is of no use in a
 * file, and its names are counted over all pictures of a process, while the same picture is to be the same file.
 */
export function describeSvg(svg: string, title: string, description: string): string {
  const same = FOR_LIVE_PAGES.reduce((text, pattern) => text.replaceAll(pattern, ''), svg);
  const end = same.indexOf('>', same.indexOf('<svg'));
  const label = ' role="img" aria-labelledby="title description"';
  const words = `<title id="title">${escaped(title)}</title>\n<desc id="description">${escaped(description)}</desc>`;
  return `${same.slice(0, end)}${label}>\n${words}${same.slice(end + 1)}\n`;
}

const FOR_LIVE_PAGES = [/ class="zr\d+-[^"]*"/g, / ecmeta_\w+="[^"]*"/g, /<style[\s\S]*?<\/style>\n?/g];

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
