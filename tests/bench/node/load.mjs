// The load of load.py by the official Node client: the same request, the same measurements.

import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import { connect, hash, signers } from '@hyperledger/fabric-gateway';

const request = JSON.parse(readFileSync(0));
const { connection } = request;
const client = new grpc.Client(
    connection.endpoint,
    grpc.credentials.createSsl(readFileSync(connection.tls_root_cert)),
    { 'grpc.ssl_target_name_override': connection.tls_host_override },
);
const gateway = connect({
    client,
    identity: { mspId: connection.msp_id, credentials: readFileSync(connection.certificate) },
    signer: signers.newPrivateKeySigner(createPrivateKey(readFileSync(connection.private_key))),
    hash: hash.sha256,
});
const contract = gateway.getNetwork('energy').getContract(request.chaincode, request.contract ?? undefined);

/** Send transactions, `in_flight` of them under way at once; return how long each that succeeded took. */
async function take(prefix, count) {
    const taken = [];
    taken.failed = [];
    let next = 0;
    const work = async () => {
        while (next < count) {
            const number = next++;
            const started = performance.now();
            const options = [request.function, `${prefix}${number}`, request.value];
            try {
                const call = request.evaluate ? contract.evaluateTransaction : contract.submitTransaction;
                await call.apply(contract, options);
                taken.push(performance.now() - started);
            } catch (error) {
                if (error.code === undefined) {
                    throw error;
                }
                taken.failed.push(`${error.name}: ${error.message}`);
            }
        }
    };
    await Promise.all(Array.from({ length: request.in_flight }, work));
    return taken.sort((one, other) => one - other);
}

await take(`${request.prefix}w`, request.warm_up);
const used = process.cpuUsage();
const started = performance.now();
const taken = await take(request.prefix, request.transactions);
const seconds = (performance.now() - started) / 1e3;
const { user, system } = process.cpuUsage(used);
gateway.close();
client.close();
const measured = {
    transactions: taken.length,
    failed: taken.failed,
    seconds,
    cpu_seconds: (user + system) / 1e6,
    p50_ms: taken[Math.floor(taken.length * 0.5)],
    p95_ms: taken[Math.floor(taken.length * 0.95)],
};
process.stdout.write(JSON.stringify(measured));
