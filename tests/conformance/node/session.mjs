// One request from standard input, a gateway, one answer to standard output.

import { readFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { connect, hash, signers } from '@hyperledger/fabric-gateway';

const DEADLINE_MS = 60_000;
const deadline = () => ({ deadline: Date.now() + DEADLINE_MS });

/** Read the whole of standard input as JSON. */
async function readRequest() {
    const parts = [];
    for await (const part of process.stdin) {
        parts.push(part);
    }
    return JSON.parse(Buffer.concat(parts).toString());
}

/** What `gridledger network connection --json` prints is all that this needs. */
export function openClient(connection) {
    const options = { 'grpc.ssl_target_name_override': connection.tls_host_override };
    const credentials = grpc.credentials.createSsl(readFileSync(connection.tls_root_cert));
    return new grpc.Client(connection.endpoint, credentials, options);
}

export function signerOf(connection) {
    return signers.newPrivateKeySigner(createPrivateKey(readFileSync(connection.private_key)));
}

export function openGateway(client, connection, settings) {
    return connect({
        client,
        identity: { mspId: connection.msp_id, credentials: readFileSync(connection.certificate) },
        hash: hash.sha256,
        evaluateOptions: deadline,
        endorseOptions: deadline,
        submitOptions: deadline,
        commitStatusOptions: deadline,
        ...settings,
    });
}

/** Describe what was thrown: the class's name and the fields that it documents. */
export function describeError(error) {
    return {
        name: error.name ?? error.constructor.name,
        message: error.message,
        code: error.code,
        transactionId: error.transactionId,
        details: error.details,
    };
}

/** Arguments arrive in base64, so that they may be any bytes. */
export const bytesOf = (text) => Buffer.from(text, 'base64');
export const textOf = (bytes) => Buffer.from(bytes).toString('base64');

/** Make proposal options from a call's description. */
export function optionsOf(call) {
    const options = { arguments: (call.arguments ?? []).map(bytesOf) };
    if (call.transient) {
        options.transientData = Object.fromEntries(
            Object.entries(call.transient).map(([name, value]) => [name, bytesOf(value)]),
        );
    }
    if (call.endorsing_organizations) {
        options.endorsingOrganizations = call.endorsing_organizations;
    }
    return options;
}

/** Run a scenario: `work(gateway, request)` returns the answer; what it throws is answered as `thrown`. */
export async function run(work, { signed = true } = {}) {
    const request = await readRequest();
    const client = openClient(request.connection);
    const settings = signed ? { signer: signerOf(request.connection) } : {};
    const gateway = openGateway(client, request.connection, settings);
    let answer;
    try {
        answer = await work(gateway, request);
    } catch (error) {
        answer = { thrown: describeError(error) };
    } finally {
        gateway.close();
        client.close();
    }
    const text = JSON.stringify(answer, (_, value) => (typeof value === 'bigint' ? Number(value) : value));
    process.stdout.write(text);
}
