// Submit one transaction: the short call, then the long one with its outcome.

import { optionsOf, run, textOf } from './session.mjs';

await run(async (gateway, { channel, call, short }) => {
    const contract = gateway.getNetwork(channel).getContract(call.chaincode, call.contract);
    if (short) {
        return { result: textOf(await contract.submit(call.name, optionsOf(call))) };
    }
    const submitted = await contract.submitAsync(call.name, optionsOf(call));
    const status = await submitted.getStatus();
    return {
        result: textOf(submitted.getResult()),
        transactionId: submitted.getTransactionId(),
        status: { code: status.code, successful: status.successful, blockNumber: status.blockNumber },
    };
});
