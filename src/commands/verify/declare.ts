import { type Declare, examples, output } from '../shared/flags.ts';

export const declareVerify: Declare = (program, run) =>
  examples(output(program.command('verify')), [
    [
      'mptfix verify out/mptfix-mptscsih-2.6.18-8.el5-i386.run --signers allowed_signers',
      'is it whole, and signed by one of them?',
    ],
    ['mptfix verify mptfix-mptscsih-2.6.18-8.el5-i386.run', 'is it whole, and what is in it?'],
  ])
    .description('read a bundle, without running it: whether it is whole, and who has signed it')
    .argument('<bundle>', 'the .run file that build wrote')
    .option('--signature <file>', 'its signature (default: the bundle’s name with .sig, if that is there)')
    .option('--signers <file>', 'whose signature counts: allowed_signers, as ssh-keygen(1) describes it')
    .option('--identity <name>', 'with --signers: who of them must have signed')
    .action((bundle, options) => run(async () => (await import('./verify.ts')).verify(bundle, options)));
