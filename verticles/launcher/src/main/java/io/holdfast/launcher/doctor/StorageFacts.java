package io.holdfast.launcher.doctor;

/**
 * What the broker's monitoring says about its storage ({@code GET /jsz?config=true}).
 *
 * @param syncAlways whether every write is on the disk before it is acknowledged
 * @param syncIntervalSeconds how long an acknowledged write may be in memory alone otherwise
 * @param maxStorage bytes that all streams together may fill; 0 if unknown
 * @param volumeBytes free space of the store's volume and what the store uses already; 0 if it
 *     cannot be seen from here
 */
public record StorageFacts(
    boolean syncAlways, long syncIntervalSeconds, long maxStorage, long volumeBytes) {}
