// Read a number of chaincode events from a block on, and note each in a checkpoint file if one is named.

import { checkpointers } from '@hyperledger/fabric-gateway';
import { run, textOf } from './session.mjs';

await run(async (gateway, { channel, chaincode, start_block: startBlock, checkpoint: path, count }) => {
    const checkpoint = path ? await checkpointers.file(path) : undefined;
    const options = { startBlock: startBlock === undefined ? undefined : BigInt(startBlock), checkpoint };
    const events = await gateway.getNetwork(channel).getChaincodeEvents(chaincode, options);
    const received = [];
    try {
        for await (const event of events) {
            received.push({
                name: event.eventName,
                chaincode: event.chaincodeName,
                payload: textOf(event.payload),
                transactionId: event.transactionId,
                blockNumber: event.blockNumber,
            });
            await checkpoint?.checkpointChaincodeEvent(event);
            if (received.length === count) {
                break;
            }
        }
    } finally {
        events.close();
    }
    return { events: received };
});
