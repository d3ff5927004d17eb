/** What an earlier run of this boot saw of one file system. */
export interface Remembered {
  /** The kernel's numbers of its mounts: other ones mean that it was mounted anew. */
  readonly mounts: readonly number[];
  /** Whether it was ever seen writable. */
  readonly writable: boolean;
  /** ext4's counter when this mount was seen first. */
  readonly errors?: number;
  /** The counter as the last run saw it. */
  readonly lastErrors?: number;
  /** The kernel's message that said that it gave up. */
  readonly aborted?: string;
}
