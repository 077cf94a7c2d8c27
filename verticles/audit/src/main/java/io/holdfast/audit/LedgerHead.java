package io.holdfast.audit;

import io.holdfast.audit.domain.BlockHeader;
import java.util.List;

/**
 * The end of the ledger, as far as this process knows it. Written by the {@link LedgerVerticle},
 * read by whoever answers requests; a moment old at most.
 */
final class LedgerHead {

  /**
   * @param header of the newest sound block; number 0 if there is none
   * @param sequence the last one of the ledger's stream, which the next append must expect
   */
  record At(BlockHeader header, long sequence) {}

  private final At genesis;
  private volatile At at;

  LedgerHead(List<String> streams) {
    this.genesis = new At(BlockHeader.genesis(streams), 0);
    this.at = genesis;
  }

  At at() {
    return at;
  }

  At genesis() {
    return genesis;
  }

  void moveTo(At newer) {
    at = newer;
  }
}
