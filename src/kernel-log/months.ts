/**
 * Names of months in logs, which `dmesg -T` and journalctl print in the language of whoever runs them: glibc's abbreviated
 * names (abmon of localedata/locales), and full ones where they are usual. Without dots, in small letters.
 */
const NAMES: readonly (readonly [language: string, months: string])[] = [
  ['en', 'jan feb mar apr may jun jul aug sep oct nov dec'],
  ['en, in full', 'january february march april may june july august september october november december'],
  ['de', 'jan feb mär apr mai jun jul aug sep okt nov dez'],
  ['de_AT', 'jän feb mär apr mai jun jul aug sep okt nov dez'],
  ['de, in ASCII', 'jan feb mrz apr mai jun jul aug sept okt nov dez'],
  ['nl', 'jan feb mrt apr mei jun jul aug sep okt nov dec'],
  ['fr', 'janv févr mars avril mai juin juil août sept oct nov déc'],
  ['fr, shorter', 'jan fév mar avr mai jui jul aoû sep oct nov déc'],
  ['es', 'ene feb mar abr may jun jul ago sep oct nov dic'],
  ['it', 'gen feb mar apr mag giu lug ago set ott nov dic'],
  ['pt', 'jan fev mar abr mai jun jul ago set out nov dez'],
  ['ca', 'gen febr març abr maig juny jul ag set oct nov des'],
  ['sv', 'jan feb mar apr maj jun jul aug sep okt nov dec'],
  ['da', 'jan feb mar apr maj jun jul aug sep okt nov dec'],
  ['nb', 'jan feb mars april mai juni juli aug sep okt nov des'],
  ['fi', 'tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu'],
  ['pl', 'sty lut mar kwi maj cze lip sie wrz paź lis gru'],
  ['cs', 'led úno bře dub kvě čen čec srp zář říj lis pro'],
  ['hu', 'jan febr márc ápr máj jún júl aug szept okt nov dec'],
  ['ro', 'ian feb mar apr mai iun iul aug sep oct nov dec'],
  ['tr', 'oca şub mar nis may haz tem ağu eyl eki kas ara'],
  ['ru', 'янв фев мар апр май июн июл авг сен окт ноя дек'],
  ['ru, in a date', 'янв фев мар апр мая июн июл авг сен окт ноя дек'],
  ['uk', 'січ лют бер кві тра чер лип сер вер жов лис гру'],
  ['el', 'ιαν φεβ μαρ απρ μαϊ ιουν ιουλ αυγ σεπ οκτ νοε δεκ'],
  ['zh, ja', '1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月'],
  ['ko', '1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월'],
];

const MONTHS = new Map<string, number>();
for (const [, months] of NAMES)
  for (const [index, name] of months.split(' ').entries()) MONTHS.set(name.normalize('NFC'), index + 1);

/** The number of a month, 1 to 12, by its name in any of these languages; undefined where it is none. */
export function monthNumber(name: string): number | undefined {
  return MONTHS.get(name.normalize('NFC').toLowerCase().replaceAll('.', ''));
}
