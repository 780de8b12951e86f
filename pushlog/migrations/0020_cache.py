"""The table of Django's cache. It is new and empty, which takes no time."""

from django.core.management import call_command
from django.db import migrations


def create(apps, schema_editor):
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("pushlog", "0019_encryption")]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
