// One put on the official Node shim, as a service.

import shim from 'fabric-shim';

const chaincode = {
    async Init() {
        return shim.success();
    },
    async Invoke(stub) {
        const { fcn, params } = stub.getFunctionAndParameters();
        if (fcn !== 'Put') {
            return shim.error(Buffer.from(fcn));
        }
        await stub.putState(params[0], Buffer.from(params[1]));
        return shim.success();
    },
};

const { CHAINCODE_ID: ccid, CHAINCODE_SERVER_ADDRESS: address } = process.env;
await shim.server(chaincode, { ccid, address }).start();
