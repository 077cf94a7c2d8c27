package io.holdfast.audit;

import io.holdfast.runtime.boot.Boot;

/** {@code java -jar audit-fat.jar}. */
public final class AuditMain {

  private AuditMain() {}

  public static void main(String[] args) {
    Boot.run(new AuditGroup());
  }
}
