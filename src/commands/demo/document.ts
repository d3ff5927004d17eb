/** What `demo --json` prints. */
export interface DemoResult {
  readonly schema: 'mptfix.demo/1';
  readonly kernel: { readonly release: string; readonly packageVersion: string };
  readonly guest: string;
  readonly source: string;
  /** The distro's own module, which the guest's affected one replaced. */
  readonly distroModule: string;
  readonly kept: boolean;
  readonly commands: readonly {
    readonly command: string;
    readonly status: number;
    readonly output: unknown;
  }[];
}
