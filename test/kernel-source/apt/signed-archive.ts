/**
 * An archive's index that was signed once, by a throwaway key: apt needs gpgv alone to check it. The names of the
 * files are those of a flat repository.
 */
export const SIGNED_PACKAGE = { name: 'linux-headers-6.1.0-9-test', version: '6.1.9-1' };

export const SIGNED_FILES: Readonly<Record<string, string>> = {
  Packages: `Package: linux-headers-6.1.0-9-test
Version: 6.1.9-1
Architecture: all
Maintainer: nobody
Filename: ./linux-headers.deb
Size: 1000
SHA256: 0000000000000000000000000000000000000000000000000000000000000001
Description: signed
`,
  InRelease: `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: mptfix test
Label: test
Suite: test
Codename: test
Date: Mon, 01 Jan 2024 00:00:00 UTC
Architectures: all amd64
Components: main
SHA256:
 857543b6216476c9d6a4258edff8a1b75453435d86e9ba49d9e8c4ffcd8d70f9 224 Packages
-----BEGIN PGP SIGNATURE-----

iHUEARYIAB0WIQTx+x9Tr6zrRN8A0bVBNvsyCNMnHQUCZZIAgAAKCRBBNvsyCNMn
HT5cAQDoBt0ReGCt8G4MZ7y+LCD04jcR9BpcD9/Uda5I+vMydQEA6AWmfGfVuc8z
FNl0CVaCmN7MB4O9J33vRi6dbYzruAw=
=wOiM
-----END PGP SIGNATURE-----
`,
};

export const SIGNING_KEY = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEZZIAgBYJKwYBBAHaRw8BAQdAd6LfJjzPhB3g6eqxpDTPIzl1gLdPbia4xu5d
LhDsdN20Km1wdGZpeCB0ZXN0IGFyY2hpdmUgPG5vbmVAZXhhbXBsZS5pbnZhbGlk
PoiQBBMWCAA4FiEE8fsfU6+s60TfANG1QTb7MgjTJx0FAmWSAIACGwMFCwkIBwIG
FQoJCAsCBBYCAwECHgECF4AACgkQQTb7MgjTJx2qlgD/bzdgJaobVpxBbi+0xRlQ
n9rtrCXvsgr/4GmhTJ3XU6MBAJyTiUT4MzuA7GbtMHLqcsq7PHw+eqbqlIh42cXL
eYMJ
=2Kl9
-----END PGP PUBLIC KEY BLOCK-----
`;
