package io.holdfast.audit;

import io.holdfast.audit.domain.Finding;
import java.util.List;

/**
 * What a verification came to.
 *
 * @param blocks how many the ledger has
 * @param events messages of the audited streams that the ledger's lines were compared with
 * @param unsealed messages that the streams hold beyond the ledger's end; no fault, they are to
 *     come
 * @param newest number of the ledger's last block, 0 if there is none
 * @param hash of that block
 * @param findings what is wrong, the first {@link LedgerVerifier#MAX_FINDINGS}
 * @param findingsTotal how much is wrong
 */
public record Verdict(
    long blocks,
    long events,
    long unsealed,
    long newest,
    String hash,
    List<Finding> findings,
    long findingsTotal) {

  public Verdict {
    findings = List.copyOf(findings);
  }

  public boolean valid() {
    return findingsTotal == 0;
  }
}
