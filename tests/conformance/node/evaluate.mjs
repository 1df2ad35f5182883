// Ask one peer.

import { optionsOf, run, textOf } from './session.mjs';

await run(async (gateway, { channel, call, deadline_ms: deadlineMs }) => {
    const contract = gateway.getNetwork(channel).getContract(call.chaincode, call.contract);
    const proposal = contract.newProposal(call.name, optionsOf(call));
    const options = deadlineMs ? { deadline: Date.now() + deadlineMs } : undefined;
    return { result: textOf(await proposal.evaluate(options)) };
});
