import { failure } from '../../errors.ts';

/** A guest that ssh reaches. */
export interface Address {
  /** `[USER@]HOST`, as it was given; `hostAddress` has looked at it. */
  readonly host: string;
  /** Each as `ssh -o` takes it, such as `Port=2222`. */
  readonly options: readonly string[];
}

/*
 * What ssh takes for a host can end up in a shell: ssh puts it into a ProxyCommand or a `Match exec` of its configuration
 * (%h, %r). So a name has only letters, digits and signs that no shell acts on, and does not begin as an option does.
 * The backslash of DOMAIN\user is left out for the same reason: `--ssh-option User=…` takes it.
 */
const HOST = /^(?:\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?\]|[0-9A-Za-z_:][0-9A-Za-z_.:%-]*)$/;
const USER = /^[0-9A-Za-z_][0-9A-Za-z_.+@-]*$/;
/** A name and its value in one line, as ssh_config(5) has them. */
const OPTION = /^[A-Za-z][A-Za-z0-9]*(?: *= *| +)[^\p{Cc}\p{Zl}\p{Zp}]+$/u;

/** Throws E_USAGE for a host or an option that is not handed to ssh. */
export function hostAddress(host: string, options: readonly string[] = []): Address {
  const at = host.lastIndexOf('@');
  const user = at === -1 ? undefined : host.slice(0, at);
  const name = host.slice(at + 1);
  if (!HOST.test(name) || (user !== undefined && !USER.test(user)) || host.length > 300) {
    throw failure(
      'E_USAGE',
      `${JSON.stringify(host)} is no host that mptfix hands to ssh: letters, digits and any of . _ - : % make one`,
      'write --host USER@HOST; for anything else give it a name in ~/.ssh/config (Host, HostName, User)',
    );
  }
  for (const option of options) {
    if (OPTION.test(option)) continue;
    throw failure(
      'E_USAGE',
      `${JSON.stringify(option)} is no option of ssh: it has the form NAME=VALUE, in one line`,
      'write --ssh-option NAME=VALUE, as `ssh -o` takes it: man ssh_config lists the names',
    );
  }
  return { host, options };
}
