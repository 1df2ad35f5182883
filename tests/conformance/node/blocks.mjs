// Read blocks in one of three forms, with a checkpoint file if one is named.

import { checkpointers } from '@hyperledger/fabric-gateway';
import { common } from '@hyperledger/fabric-protos';
import { run, textOf } from './session.mjs';

const transactionIds = (block) =>
    block
        .getData()
        .getDataList()
        .map((bytes) => {
            const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(bytes).getPayload());
            return common.ChannelHeader.deserializeBinary(payload.getHeader().getChannelHeader()).getTxId();
        });

/** Names of the collections that came along, by the transaction's place in the block. */
function collections(privateData) {
    const names = {};
    privateData.forEach((data, index) => {
        names[index] = data
            .getNsPvtRwsetList()
            .flatMap((space) => space.getCollectionPvtRwsetList().map((each) => each.getCollectionName()));
    });
    return names;
}

const FORMS = {
    full: {
        open: (network, options) => network.getBlockEvents(options),
        number: (block) => block.getHeader().getNumber(),
        describe: (block) => ({
            previousHash: textOf(block.getHeader().getPreviousHash_asU8()),
            transactionIds: transactionIds(block),
        }),
    },
    filtered: {
        open: (network, options) => network.getFilteredBlockEvents(options),
        number: (block) => block.getNumber(),
        describe: (block) => ({
            channel: block.getChannelId(),
            transactions: block
                .getFilteredTransactionsList()
                .map((each) => ({ id: each.getTxid(), code: each.getTxValidationCode() })),
        }),
    },
    private: {
        open: (network, options) => network.getBlockAndPrivateDataEvents(options),
        number: (event) => event.getBlock().getHeader().getNumber(),
        describe: (event) => ({
            transactionIds: transactionIds(event.getBlock()),
            privateData: collections(event.getPrivateDataMapMap()),
        }),
    },
};

await run(async (gateway, { channel, form, start_block: startBlock, checkpoint: path, count }) => {
    const { open, number, describe } = FORMS[form];
    const checkpoint = path ? await checkpointers.file(path) : undefined;
    const options = { startBlock: startBlock === undefined ? undefined : BigInt(startBlock), checkpoint };
    const events = await open(gateway.getNetwork(channel), options);
    const blocks = [];
    try {
        for await (const block of events) {
            blocks.push({ number: number(block), ...describe(block) });
            await checkpoint?.checkpointBlock(BigInt(number(block)));
            if (blocks.length === count) {
                break;
            }
        }
    } finally {
        events.close();
    }
    return { blocks };
});
