// Endorse the same read-modify-write twice, submit both: one of them is not valid.

import { describeError, optionsOf, run } from './session.mjs';

await run(async (gateway, { channel, call }) => {
    const contract = gateway.getNetwork(channel).getContract(call.chaincode, call.contract);
    const endorse = () => contract.newProposal(call.name, optionsOf(call)).endorse();
    const first = await endorse();
    const second = await endorse();
    const statuses = [];
    for (const transaction of [first, second]) {
        const commit = await transaction.submit();
        statuses.push((await commit.getStatus()).code);
    }
    const third = contract.newProposal(call.name, optionsOf(call));
    const stale = await third.endorse();
    await contract.submit(call.name, optionsOf(call));
    let thrown;
    try {
        const commit = await stale.submit();
        const status = await commit.getStatus();
        statuses.push(status.code);
    } catch (error) {
        thrown = describeError(error);
    }
    return { statuses, thrown };
});
