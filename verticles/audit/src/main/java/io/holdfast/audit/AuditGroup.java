package io.holdfast.audit;

import io.holdfast.audit.http.AuditRoutes;
import io.holdfast.events.Domain;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.StreamCatalog;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Audit's composition root. */
public final class AuditGroup implements VerticleGroup {

  /** The ledger's stream, without a namespace. */
  public static final String LEDGER = "AUDIT";

  /** The subject of its blocks, without a namespace. */
  public static final String BLOCKS = "audit.block";

  @Override
  public String name() {
    return "audit";
  }

  @Override
  public int defaultPort() {
    return 8084;
  }

  @Override
  public Set<String> streams() {
    Set<String> streams = new HashSet<>(StreamCatalog.AUDITED);
    streams.add(LEDGER);
    return streams;
  }

  @Override
  public Parts assemble(GroupContext context) {
    AuditSettings settings = AuditSettings.from(context.settings());
    Subjects subjects = context.common().subjects();
    LedgerHead head = new LedgerHead(audited(subjects));
    BlockIndex blocks = new BlockIndex(context.reader(), subjects, head);
    LedgerVerifier verifier = new LedgerVerifier(context.vertx(), context.reader(), subjects);
    LedgerVerticle ledger =
        new LedgerVerticle(
            context.reader(), subjects, settings, head, context.meters(), context.tracing());
    return new Parts(
        List.of(ledger),
        new AuditRoutes(context.streams(), blocks, verifier)::mount,
        Map.of("ledger", ledger::problem));
  }

  /** Full names of the audited streams, in the order in which ranges and cursors list them. */
  static List<String> audited(Subjects subjects) {
    List<String> names =
        List.of(
            Domain.ORDERS.stream(),
            Domain.INVENTORY.stream(),
            Domain.PAYMENTS.stream(),
            Domain.NOTIFICATIONS.stream(),
            Domain.DEADLETTERS.stream());
    if (!Set.copyOf(names).equals(StreamCatalog.AUDITED)) {
      throw new IllegalStateException("the catalog audits " + StreamCatalog.AUDITED);
    }
    return names.stream().map(subjects::stream).toList();
  }
}
