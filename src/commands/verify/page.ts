import { columns, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { kernelText } from '../plan/page.ts';
import type { VerifyResult } from './document.ts';

export function verifyPage({
  result,
  bundle,
  kernel,
  architecture,
  module,
  tool,
  installer,
  signature,
  statement,
}: VerifyResult): string {
  const { patch } = statement.predicate.buildDefinition.externalParameters;
  return [
    ...titles(result, signature),
    '',
    columns([
      ['bundle', bundle.file],
      ['sha256', bundle.sha256],
      ['signed by', signature === null ? 'nobody' : signedBy(signature)],
      ['kernel', `${kernelText(kernel)}, ${architecture}`],
      ['module', `${module.name} (sha256 ${module.sha256})`],
      ['replaces', `${module.replaces.path} (sha256 ${module.replaces.sha256})`],
      ['patch', patch ?? 'none: the source has no such branch'],
      ['made by', tool],
      [
        'installer',
        installer === 'same'
          ? 'as this mptfix writes it'
          : 'not as this mptfix writes it: another version’s, or changed',
      ],
    ]),
  ].join('\n');
}

function titles(result: VerifyResult['result'], signature: VerifyResult['signature']): readonly string[] {
  switch (result) {
    case 'verified':
      return [style('green', printable(`verified: whole, and signed by ${signature?.identity ?? ''}`))];
    case 'unvouched':
      return [
        style('yellow', 'cannot tell: the bundle is whole and signed, but nobody vouches for the key'),
        '  next: give --signers the file that lists whose signature counts',
      ];
    case 'unsigned':
      return [
        style('yellow', 'cannot tell: the bundle is whole, but not signed: nobody vouches for it'),
        '  next: give --signature its signature and --signers whose signature counts',
      ];
  }
}

function signedBy({ identity, key }: NonNullable<VerifyResult['signature']>): string {
  const by = key ?? 'a key that ssh-keygen does not name';
  return identity === null ? by : `${identity}, ${by}`;
}
