/** Some logs have a host's whole name, others the first part. Empty where there is none. */
export function shortHost(host: string | undefined): string {
  if (host === undefined) return '';
  // An address is no name with a domain.
  return /^[\d.:]+$/.test(host) ? host : (host.split('.')[0] ?? host);
}
