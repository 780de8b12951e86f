"""KeptReceipt is called EarlyReceipt. The table keeps its name, so older code goes on working. Takes no time."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("pushlog", "0008_filters_in_task_titles")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterModelTable("keptreceipt", "pushlog_keptreceipt"),
                migrations.RenameModel("KeptReceipt", "EarlyReceipt"),
            ]
        )
    ]
