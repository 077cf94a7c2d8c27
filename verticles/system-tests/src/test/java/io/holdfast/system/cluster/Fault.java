package io.holdfast.system.cluster;

import java.util.stream.IntStream;

/** What can happen to a node, or to all of them. */
enum Fault {
  KILLED("node killed") {
    @Override
    void begin(Cluster cluster, int node) {
      cluster.kill(node);
    }

    @Override
    void end(Cluster cluster, int node) {
      cluster.start(node);
    }
  },

  ALL_KILLED("all killed at once") {
    @Override
    void begin(Cluster cluster, int node) {
      IntStream.range(0, Cluster.NODES).parallel().forEach(cluster::kill);
    }

    @Override
    void end(Cluster cluster, int node) {
      IntStream.range(0, Cluster.NODES).forEach(cluster::start);
    }
  },

  PAUSED("node paused") {
    @Override
    void begin(Cluster cluster, int node) {
      cluster.pause(node);
    }

    @Override
    void end(Cluster cluster, int node) {
      cluster.resume(node);
    }
  },

  LINK_DOWN("link down") {
    @Override
    void begin(Cluster cluster, int node) {
      cluster.net().linkDown(node);
    }

    @Override
    void end(Cluster cluster, int node) {
      cluster.net().linkUp(node);
    }
  },

  /** Its clients still reach it. */
  PEERS_CUT("cut off from its peers") {
    @Override
    void begin(Cluster cluster, int node) {
      MUTE.begin(cluster, node);
      DEAF.begin(cluster, node);
    }

    @Override
    void end(Cluster cluster, int node) {
      MUTE.end(cluster, node);
      DEAF.end(cluster, node);
    }
  },

  /** It hears its peers; they do not hear it. */
  MUTE("one way cut: not heard by its peers") {
    @Override
    void begin(Cluster cluster, int node) {
      others(node).forEach(other -> cluster.net().cut(node, other));
    }

    @Override
    void end(Cluster cluster, int node) {
      others(node).forEach(other -> cluster.net().mend(node, other));
    }
  },

  DEAF("one way cut: does not hear its peers") {
    @Override
    void begin(Cluster cluster, int node) {
      others(node).forEach(other -> cluster.net().cut(other, node));
    }

    @Override
    void end(Cluster cluster, int node) {
      others(node).forEach(other -> cluster.net().mend(other, node));
    }
  },

  /** One after the other, as a rolling update does: each is back before the next goes. */
  ROLLED("all rolled by SIGTERM") {
    @Override
    void begin(Cluster cluster, int node) {
      for (int each = 0; each < Cluster.NODES; each++) {
        cluster.stop(each);
        cluster.start(each);
        cluster.awaitWhole();
      }
    }

    @Override
    void end(Cluster cluster, int node) {
      // it lasts as long as it takes
    }
  };

  private final String told;

  Fault(String told) {
    this.told = told;
  }

  abstract void begin(Cluster cluster, int node);

  abstract void end(Cluster cluster, int node);

  private static IntStream others(int node) {
    return IntStream.range(0, Cluster.NODES).filter(other -> other != node);
  }

  @Override
  public String toString() {
    return told;
  }
}
