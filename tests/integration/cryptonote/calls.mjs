// Functions of turtlecoin-crypto under the names of Monero's vectors: reads {engine, calls: [[name, ...arguments]]}
// from standard input, writes {native, results: [value or null where the call was refused], seconds: [CPU]}.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { Crypto } = createRequire(import.meta.url)('turtlecoin-crypto');
const { engine, calls } = JSON.parse(readFileSync(0, 'utf8'));
const READY_MS = 20000;

const crypto = new Crypto();
if (engine === 'js') crypto.forceJSCrypto();
for (const started = Date.now(); !Crypto.isReady; ) {
  if (Date.now() - started > READY_MS) throw new Error('turtlecoin-crypto did not become ready');
  await new Promise((done) => setTimeout(done, 20));
}

const split = (signature) => signature.match(/.{128}/g) ?? [];
const functions = {
  check_scalar: (scalar) => crypto.checkScalar(scalar),
  hash_to_scalar: (data) => crypto.hashToScalar(data),
  check_key: (key) => crypto.checkKey(key),
  secret_key_to_public_key: (secret) => crypto.secretKeyToPublicKey(secret),
  generate_key_derivation: (key, secret) => crypto.generateKeyDerivation(key, secret),
  derive_public_key: (derivation, index, base) => crypto.derivePublicKey(derivation, index, base),
  derive_secret_key: (derivation, index, base) => crypto.deriveSecretKey(derivation, index, base),
  underive_public_key: (derivation, index, key) => crypto.underivePublicKey(derivation, index, key),
  hash_to_ec: (key) => crypto.hashToEllipticCurve(key),
  generate_key_image: (key, secret) => crypto.generateKeyImage(key, secret),
  generate_signature: (hash, key, secret) => crypto.generateSignature(hash, key, secret),
  check_signature: (hash, key, signature) => crypto.checkSignature(hash, key, signature),
  generate_ring_signature: async (hash, image, ring, secret, index) =>
    (await crypto.generateRingSignatures(hash, image, ring, secret, index)).join(''),
  check_ring_signature: (hash, image, ring, signature) =>
    crypto.checkRingSignatures(hash, image, ring, split(signature)),
};

const results = [];
const seconds = [];
for (const [name, ...given] of calls) {
  const used = process.cpuUsage();
  let result = null;
  try {
    result = await functions[name](...given);
  } catch {
    result = null; // what it refuses it throws, with texts that differ between its engines
  }
  const { user, system } = process.cpuUsage(used);
  results.push(result);
  seconds.push((user + system) / 1e6);
}
process.stdout.write(JSON.stringify({ native: Crypto.isNative, results, seconds }));
process.exit(0);
