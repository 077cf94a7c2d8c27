package io.holdfast.runtime.jetstream;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/**
 * JetStream's answer to a publish.
 *
 * @param stream where it is stored, null if it is not
 * @param sequence where it is stored there; 0 means that nobody knows
 * @param duplicate the broker says it has this message id already
 * @param errorCode JetStream's, or 0 if it was stored
 */
record PubAck(String stream, long sequence, boolean duplicate, int errorCode, String error) {

  /** The aggregate has gained a message since: the expected sequence is not the last one. */
  static final int WRONG_LAST_SEQUENCE = 10071;

  /** The same, noticed while another write to the aggregate was under way. */
  static final int WRONG_LAST_SEQUENCE_IN_FLIGHT = 10164;

  /**
   * A message with the same id is being stored at this very moment; a cluster of brokers says that
   * to whoever comes before its members have agreed on the first.
   */
  static final int ID_IN_PROCESS = 10158;

  /** A batch held a message id that is known. */
  static final int DUPLICATE_IN_BATCH = 10201;

  private static final JsonFactory JSON = new JsonFactory();

  /**
   * Whether somebody wrote first, perhaps ourselves before a lost answer. Only what is stored can
   * tell.
   */
  boolean contested() {
    return idIsKnown()
        || errorCode == WRONG_LAST_SEQUENCE
        || errorCode == WRONG_LAST_SEQUENCE_IN_FLIGHT
        || errorCode == ID_IN_PROCESS
        || (errorCode == 0 && sequence == 0);
  }

  /** Whether a message was stored a moment ago that bears the same id, ours or anybody's. */
  boolean idIsKnown() {
    return duplicate || errorCode == DUPLICATE_IN_BATCH;
  }

  /**
   * Itself, for whoever asks no further why it was not stored.
   *
   * @throws BrokerException if the broker refused
   */
  PubAck orThrow() {
    if (errorCode != 0) {
      throw new BrokerException(BrokerException.Kind.REFUSED, error, errorCode);
    }
    return this;
  }

  /**
   * @throws BrokerException if it says nothing that can be read
   */
  static PubAck parse(byte[] body) {
    String stream = null;
    long sequence = 0;
    boolean duplicate = false;
    int errorCode = 0;
    String error = null;
    try (JsonParser in = JSON.createParser(body)) {
      for (JsonToken token = in.nextToken(); token != null; token = in.nextToken()) {
        if (token != JsonToken.FIELD_NAME) {
          continue;
        }
        String field = in.currentName();
        token = in.nextToken();
        switch (field) {
          case "stream" -> stream = in.getValueAsString();
          case "seq" -> sequence = in.getValueAsLong();
          case "duplicate" -> duplicate = token == JsonToken.VALUE_TRUE;
          case "err_code" -> errorCode = in.getValueAsInt();
          case "code" -> errorCode = errorCode == 0 ? in.getValueAsInt() : errorCode;
          case "description" -> error = in.getValueAsString();
          default -> {}
        }
      }
    } catch (IOException e) {
      throw new BrokerException(BrokerException.Kind.NO_ANSWER, "an answer that cannot be read");
    }
    return new PubAck(stream, sequence, duplicate, errorCode, error);
  }
}
