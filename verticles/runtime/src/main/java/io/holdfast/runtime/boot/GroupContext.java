package io.holdfast.runtime.boot;

import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.http.Access;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.StreamReader;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Tracing;
import io.vertx.core.Vertx;

/**
 * What a group's composition root has to build with.
 *
 * @param settings for the group's own variables
 * @param common the variables that every group has
 * @param streams null for a group without streams
 * @param reader null for a group without streams
 * @param access to routes that not everybody may call
 */
public record GroupContext(
    Vertx vertx,
    Settings settings,
    CommonSettings common,
    EventStreams streams,
    StreamReader reader,
    Meters meters,
    Tracing tracing,
    Access access) {}
