package io.holdfast.notifications.template;

import java.util.regex.Pattern;

/**
 * A mail's words.
 *
 * @param subject one line, whatever it was made of: a line break would let it go on as another
 *     header
 * @param body its lines parted by {@code \n}
 */
public record MailText(String subject, String body) {

  private static final Pattern NOT_IN_A_HEADER = Pattern.compile("[\\p{Cc}\\u2028\\u2029]+");

  public MailText {
    subject = NOT_IN_A_HEADER.matcher(subject).replaceAll(" ").strip();
    body = body.replace("\r\n", "\n").replace('\r', '\n');
  }
}
