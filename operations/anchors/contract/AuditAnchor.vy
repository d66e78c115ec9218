# pragma version ~=0.4.3
"""
@title Audit anchor
@license Apache-2.0
@notice Holds the signed heads of one audit log: how many records, under which root, since when.
    A head can be added, never changed; the log can only grow. The contract holds no money and
    proves nothing about what the records say.
"""

event Anchored:
    size: indexed(uint64)
    root: bytes32
    time: uint256

event OwnershipOffered:
    owner: indexed(address)
    candidate: indexed(address)

event OwnershipTaken:
    before: indexed(address)
    owner: indexed(address)

log_name: public(immutable(bytes32))
owner: public(address)
candidate: public(address)
size: public(uint64)
roots: public(HashMap[uint64, bytes32])
times: public(HashMap[uint64, uint256])


@deploy
def __init__(name: bytes32):
    log_name = name
    self.owner = msg.sender
    log OwnershipTaken(before=empty(address), owner=msg.sender)


@external
def anchor(size: uint64, root: bytes32):
    """
    @notice Add a head that covers more records than the last one.
    """
    assert msg.sender == self.owner, "expected the owner"
    assert size > self.size, "expected a larger size"
    assert root != empty(bytes32), "expected a root"
    self.size = size
    self.roots[size] = root
    self.times[size] = block.timestamp
    log Anchored(size=size, root=root, time=block.timestamp)


@external
def offer_ownership(candidate: address):
    """
    @notice First step: the owner names a candidate, or nobody to take an offer back.
    """
    assert msg.sender == self.owner, "expected the owner"
    self.candidate = candidate
    log OwnershipOffered(owner=msg.sender, candidate=candidate)


@external
def take_ownership():
    """
    @notice Second step: the candidate takes over, which proves that its key works.
    """
    assert msg.sender == self.candidate, "expected the candidate"
    before: address = self.owner
    self.owner = msg.sender
    self.candidate = empty(address)
    log OwnershipTaken(before=before, owner=msg.sender)
