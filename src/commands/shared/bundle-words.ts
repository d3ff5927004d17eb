import { typed, typedLineForGuest, typedSame, typedShell } from '../../typed.ts';

/*
 * What a bundle says on the guest is for whoever has typed its name there. Over ssh another machine shows it, and the file is
 * gone from the guest by then.
 */

const ITS_FILE = /\S*\/mptfix-[0-9a-f]{32}\/bundle\.run/g;
const ITS_COMMAND = /^sh THE-BUNDLE (check|apply|status|rollback|--version)((?: --[a-z]+)*)$/;
/** The one command of mptfix that a bundle names: see `WORDS`. */
const OF_MPTFIX = /^mptfix [a-z]+$/;
const SPAN = /`([^`\n]+)`/g;

/** What stays when each command is one of this machine. */
const WORDS: readonly (readonly [its: RegExp, ours: string])[] = [
  [
    /mptfix builds one for [^;]{1,100}, on the machine that built this one/g,
    'without --bundle mptfix builds one for it',
  ],
  [/it (?:is not what|has not the size that) mptfix \w+ wrote/g, 'it is not what was sent'],
  [
    /only mptfix itself can; if .*--root DIR/g,
    'undo it with mptfix on the guest itself, or on its disk with --root',
  ],
  [/\bTHE-BUNDLE\b/g, 'the bundle'],
];

/**
 * A bundle's text as this machine's: its own commands become those of mptfix that do the same over ssh, and those of other
 * programs are sent to the guest by ssh, so that none acts on this machine.
 */
export function asOurs(text: string): string {
  const commands = text
    .replace(ITS_FILE, 'THE-BUNDLE')
    .replace(SPAN, (span, line: string) => (OF_MPTFIX.test(line) ? span : commandHere(line)));
  return WORDS.reduce((all, [its, ours]) => all.replace(its, ours), commands);
}

function commandHere(line: string): string {
  const [, verb, options = ''] = ITS_COMMAND.exec(line) ?? [];
  const isForced = options.split(' ').includes('--force');
  switch (verb) {
    case undefined:
      return typedLineForGuest(line);
    case '--version':
    case 'check':
      return typed('check');
    case 'apply':
      return isForced
        ? `${typedShell(['sh', 'FILE.run', 'apply', '--force'])} on the guest itself`
        : typedSame();
    case 'rollback':
      return typed('rollback', isForced ? ['--force'] : []);
    default:
      return typed('status');
  }
}
