// Every step signed elsewhere: this gateway has no key, and each message travels as bytes between two parties.

import { describeError, optionsOf, run, signerOf, textOf } from './session.mjs';

await run(
    async (gateway, { channel, call, connection }) => {
        const sign = signerOf(connection);
        const contract = gateway.getNetwork(channel).getContract(call.chaincode, call.contract);

        const asked = contract.newProposal(call.name, optionsOf(call));
        const unsigned = await asked.endorse().then(
            () => undefined,
            (error) => error.message,
        );
        const question = gateway.newSignedProposal(asked.getBytes(), await sign(asked.getDigest()));
        const evaluated = textOf(await question.evaluate());

        const draft = contract.newProposal(call.name, optionsOf(call));
        const forged = gateway.newSignedProposal(draft.getBytes(), await sign(asked.getDigest()));
        const refused = await forged.endorse().then(() => undefined, describeError);

        const proposal = gateway.newSignedProposal(draft.getBytes(), await sign(draft.getDigest()));
        const endorsed = await proposal.endorse();
        const transaction = gateway.newSignedTransaction(endorsed.getBytes(), await sign(endorsed.getDigest()));
        const sent = await transaction.submit();
        const commit = gateway.newSignedCommit(sent.getBytes(), await sign(sent.getDigest()));
        const status = await commit.getStatus();

        const network = gateway.getNetwork(channel);
        const wanted = network.newChaincodeEventsRequest(call.chaincode, { startBlock: status.blockNumber });
        const request = gateway.newSignedChaincodeEventsRequest(
            wanted.getBytes(),
            await sign(wanted.getDigest()),
        );
        const events = await request.getEvents();
        let event;
        for await (const received of events) {
            event = received;
            break;
        }
        events.close();

        const wantedBlocks = network.newFilteredBlockEventsRequest({ startBlock: status.blockNumber });
        const blockRequest = gateway.newSignedFilteredBlockEventsRequest(
            wantedBlocks.getBytes(),
            await sign(wantedBlocks.getDigest()),
        );
        const blocks = await blockRequest.getEvents();
        let block;
        for await (const received of blocks) {
            block = received.getNumber();
            break;
        }
        blocks.close();

        return {
            unsigned,
            evaluated,
            refused,
            result: textOf(endorsed.getResult()),
            sameId: new Set([
                draft.getTransactionId(),
                proposal.getTransactionId(),
                transaction.getTransactionId(),
                commit.getTransactionId(),
            ]).size,
            status: { code: status.code, blockNumber: status.blockNumber },
            event: { name: event.eventName, transactionId: event.transactionId },
            transactionId: draft.getTransactionId(),
            block,
        };
    },
    { signed: false },
);
