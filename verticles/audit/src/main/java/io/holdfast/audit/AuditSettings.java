package io.holdfast.audit;

import io.holdfast.runtime.config.Settings;
import java.time.Duration;

/**
 * @param interval between two blocks while there is little to seal
 * @param gapConfirmation how long a missing message is looked for before it is sealed as missing
 * @param standstill how long messages may wait without a block before that is a problem
 */
public record AuditSettings(Duration interval, Duration gapConfirmation, Duration standstill) {

  public static AuditSettings from(Settings settings) {
    Duration interval = settings.millis("AUDIT_INTERVAL_MS", 250, 10, 60_000);
    Duration confirmation = settings.millis("AUDIT_GAP_CONFIRM_MS", 2_000, 0, 600_000);
    Duration standstill = settings.millis("AUDIT_STANDSTILL_MS", 30_000, 100, 3_600_000);
    return settings.complete(() -> new AuditSettings(interval, confirmation, standstill));
  }
}
