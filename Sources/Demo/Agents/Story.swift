/// Something long to tell: an answer that takes a quarter of a minute at the pace of a reader.
enum Story {
  /// The whole story; paragraphs are separated by an empty line.
  static let text = """
    The water comes down from the hills before anyone is awake. It has no plan. It takes the low side of every stone, \
    gathers in the ruts of a cart track, and by the time the first window is lit it has become a stream with a name.

    Below the village stands the sluice. It is nothing grand: two oak posts, a gate that slides between them, and an \
    iron rack that a girl called Maren turns by hand. Her grandmother turned it before her, and handed down the only \
    rule there is. Never stop the river, she used to say. Only tell it when.

    On quiet days there is little to do. Maren lifts the gate by the width of a hand, the mill takes what it needs and \
    gives it back, and the water carries one thing at a time: a leaf, a twig, a paper boat from the school upstream. \
    Whoever stands on the footbridge sees each of them pass, in the order in which they came, and none of them twice.

    Then the snow melts. The stream comes brown and loud, with branches in it and once a whole hen house, and everyone \
    along the banks wants something from her at the same time. The miller wants more. The washhouse wants less. The \
    potter, who is slow, wants it to wait until he has carried his jars indoors. Maren listens to all of them and opens \
    the second channel, the one that leads around the meadow. The miller gets his water at once. The potter gets his \
    when he is ready, and if he is too late he gets an honest word about what has gone by. Nobody is flooded because \
    somebody else is slow.

    At night, when nothing seems to move, she walks out with a lantern and taps the gate, once, every quarter of an \
    hour. The sound travels down the valley along the wet stones. Those who hear it turn over in their beds and know \
    that the river is still there and only has nothing to say.

    And when the old gate had to be replaced, she did not shut the valley off for a day. She set the new posts beside \
    the old ones, let the stream find them by itself, and waited until the last leaf had left the old channel. Then she \
    closed it, quite gently, and hung up the key.

    Ask her what she makes, and she will tell you that she makes nothing. The water was here before. She only sees to \
    it that it arrives.
    """
}
