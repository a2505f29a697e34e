from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("insights", "0002_figures_by_conversation")]

    operations = [
        migrations.AddIndex(
            model_name="rollup",
            index=models.Index(fields=["workspace", "start"], name="roll_up_start"),
        ),
    ]
