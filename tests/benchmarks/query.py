"""The one query that the control and the bare peer run: the newest fifty messages of an app, and one more."""

SQL = """
    SELECT id, customer_message_id, push_type, target_id, title, channel, code, expires_at
    FROM pushlog_message WHERE app_id = %s AND mode IN (1, 2) AND id >= %s
    ORDER BY id DESC LIMIT 51
"""
