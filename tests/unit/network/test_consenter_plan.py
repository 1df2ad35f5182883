"""The way from one consenter set to another: every step decides, and the last one is what was wanted."""

from __future__ import annotations

import pytest
from fabric_protos.common import common_pb2, configtx_pb2
from fabric_protos.orderer import configuration_pb2
from hypothesis import given
from hypothesis import strategies as st

from gridledger.client.channel_trust import quorum_of
from gridledger.model.errors import ModelError
from gridledger.network.consenter_plan import ConsenterChange, plan_consenters
from gridledger.network.errors import ConsentersStop, ConsentersUnnumbered
from gridledger.network.ordering.channel_configuration import ChannelConfiguration

sets = st.sets(st.sampled_from([f"orderer{number}:7050" for number in range(12)]), min_size=1)


@given(sets, sets, st.sets(st.sampled_from([f"orderer{number}:7050" for number in range(12)]), max_size=3))
def test_each_step_changes_one_and_leaves_a_quorum_running(
    current: set[str], wanted: set[str], lost: set[str]
) -> None:
    try:
        steps = plan_consenters(current, wanted, lost=lost)
    except ConsentersStop:
        # Nothing is refused where all run.
        assert lost & (current | wanted)
        return
    present = set(current)
    for step in steps:
        present ^= {step.address}
        assert (step.address in present) is (step.change is ConsenterChange.ADD)
        assert step.consenters == tuple(sorted(present))
        assert len(present - lost) >= step.quorum == quorum_of(len(present))
        assert len(present) <= max(len(current), len(wanted)) + 1
    assert present == wanted
    assert len(steps) == len(current ^ wanted)


def test_lost_one_leaves_first_and_two_lost_of_four_stop() -> None:
    steps = plan_consenters("abcd", "bcde", lost="a")
    assert [(one.change, one.address) for one in steps] == [("remove", "a"), ("add", "e")]
    with pytest.raises(ConsentersStop):
        plan_consenters("abcd", "cdef", lost="ab")
    with pytest.raises(ConsentersStop):
        plan_consenters("abcd", "")
    assert plan_consenters("abcd", "dcba") == ()


def test_channel_of_another_consensus_is_told_by_its_name() -> None:
    root = configtx_pb2.ConfigGroup()
    consensus = configuration_pb2.ConsensusType(type="etcdraft")
    root.groups["Orderer"].values["ConsensusType"].value = consensus.SerializeToString()
    header = common_pb2.ChannelHeader(type=common_pb2.HeaderType.CONFIG, channel_id="theirs")
    envelope = configtx_pb2.ConfigEnvelope(config=configtx_pb2.Config(channel_group=root))
    payload = common_pb2.Payload(
        header=common_pb2.Header(channel_header=header.SerializeToString()), data=envelope.SerializeToString()
    )
    entry = common_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString()
    block = common_pb2.Block(data=common_pb2.BlockData(data=[entry]))

    with pytest.raises(ConsentersUnnumbered, match="etcdraft orders theirs"):
        ChannelConfiguration.from_block(block.SerializeToString())
    # In a file it is nothing that anybody could have proposed.
    with pytest.raises(ModelError, match="numbers no consenters"):
        ChannelConfiguration.from_bytes("theirs", 1, root.SerializeToString())


@pytest.mark.parametrize("data", [b"", b"\xff", b"no block"])
def test_what_is_no_configuration_block_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        ChannelConfiguration.from_block(data)
